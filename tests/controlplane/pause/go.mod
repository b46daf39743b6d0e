module pumpjack.dev/tests/controlplane/pause

go 1.24.0
