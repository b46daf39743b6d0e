#!/bin/bash
# Gives each claim of the StorageClass `standard` a folder of this node, and removes it with its volume.
# Acts on every change of a claim or volume, and every half minute whatever happened.
set -eu
export KUBECONFIG=/etc/kubernetes/admin.conf
readonly FOLDERS=/var/lib/pumpjack-volumes
readonly PROVISIONER=pumpjack.dev/node-folder
readonly LOOK_AGAIN_S=30

changes() { # a line for each; kubectl's watches end now and then
  local kind
  for kind in persistentvolumeclaims persistentvolumes; do
    while :; do
      kubectl get "$kind" --all-namespaces --watch --output=name || true
      sleep 1
    done &
  done
  wait
}

provision() { # claims that the scheduler has placed here
  kubectl get persistentvolumeclaims --all-namespaces --output=json |
    jq --compact-output --arg folders "$FOLDERS" --arg provisioner "$PROVISIONER" '
      .items[]
      | select(.spec.storageClassName == "standard" and .spec.volumeName == null)
      | .metadata.annotations["volume.kubernetes.io/selected-node"] as $node
      | select($node != null and .metadata.deletionTimestamp == null)
      | "pvc-\(.metadata.uid)" as $name
      | {
          apiVersion: "v1", kind: "PersistentVolume",
          metadata: {name: $name, annotations: {"pv.kubernetes.io/provisioned-by": $provisioner}},
          spec: {
            capacity: {storage: .spec.resources.requests.storage},
            accessModes: .spec.accessModes,
            persistentVolumeReclaimPolicy: "Delete",
            storageClassName: "standard",
            hostPath: {path: "\($folders)/\($name)"},
            claimRef: {
              apiVersion: "v1", kind: "PersistentVolumeClaim",
              name: .metadata.name, namespace: .metadata.namespace, uid: .metadata.uid
            },
            nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [
              {key: "kubernetes.io/hostname", operator: "In", values: [$node]}]}]}}
          }
        }' |
    while IFS= read -r volume; do
      # any user of a pod may write: fsGroup does nothing for such a volume
      mkdir -p "$FOLDERS" && install -d -m 0777 "$(jq -r .spec.hostPath.path <<<"$volume")"
      kubectl apply --filename=- <<<"$volume"
    done
}

release() { # volumes whose claim is gone
  kubectl get persistentvolumes --output=json |
    jq --raw-output --arg provisioner "$PROVISIONER" '
      .items[]
      | select(.metadata.annotations["pv.kubernetes.io/provisioned-by"] == $provisioner)
      | select(.status.phase == "Released" and .metadata.deletionTimestamp == null)
      | .metadata.name' |
    while IFS= read -r name; do
      rm -rf "${FOLDERS:?}/${name:?}"
      kubectl delete persistentvolume "$name" --wait=false
    done
}

changes | while :; do
  read -r -t "$LOOK_AGAIN_S" _ || [ $? -gt 128 ] || exit 1
  while read -r -t 0.2 _; do :; done # many at once are one
  provision || echo "claims were not looked at"
  release || echo "volumes were not looked at"
done
