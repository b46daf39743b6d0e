#!/bin/sh
# kubeadm, once the images that it would pull are here.
until [ -f /run/images-imported ]; do sleep 0.2; done
exec /kind/bin/kubeadm "$@"
