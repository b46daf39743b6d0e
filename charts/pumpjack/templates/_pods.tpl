{{/* What every pod of the release has: restricted Pod Security, no API token unless it needs one. */}}

{{- define "pumpjack.pod" -}}
{{- $top := index . 0 -}}
{{- $part := index . 1 -}}
serviceAccountName: {{ include "pumpjack.name" . }}
automountServiceAccountToken: {{ eq $part "operator" }}
# its variables would look like misspelt settings
enableServiceLinks: false
securityContext:
  {{- include "pumpjack.podSecurity" 10001 | nindent 2 }}
{{- with $top.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "pumpjack.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "pumpjack.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where its pods may run: the values of a part. */}}
{{- define "pumpjack.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Replicas on different nodes where there are several. */}}
{{- define "pumpjack.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "pumpjack.selector" . | nindent 8 }}
{{- end -}}
