{{/* Peers of values.yaml ({cidr} or {namespace, pods}) as NetworkPolicies have them. */}}

{{- define "pumpjack.peer" -}}
{{- if .cidr -}}
- ipBlock:
    cidr: {{ .cidr }}
{{- else -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  {{- with .pods }}
  podSelector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Names, which every pod asks for. */}}
{{- define "pumpjack.egressDns" -}}
{{- range .Values.networkPolicy.dns }}
- to:
    {{- include "pumpjack.peer" . | nindent 4 }}
  ports:
    - {protocol: UDP, port: {{ .port }}}
    - {protocol: TCP, port: {{ .port }}}
{{- end }}
{{- end -}}

{{/* (list . "database" "redis") */}}
{{- define "pumpjack.egressStores" -}}
{{- $top := index . 0 -}}
{{- range $store := rest . }}
{{- $values := index $top.Values $store }}
- to:
    {{- if $top.Values.tryout.enabled }}
    - podSelector:
        matchLabels:
          {{- include "pumpjack.selector" (list $top (ternary "postgresql" "valkey" (eq $store "database"))) | nindent 10 }}
    {{- else }}
    {{- range $values.peers }}
    {{- include "pumpjack.peer" . | nindent 4 }}
    {{- end }}
    {{- end }}
  ports:
    - {protocol: TCP, port: {{ $values.port }}}
{{- end }}
{{- end -}}

{{/* (list . 9464): who reads metrics. */}}
{{- define "pumpjack.ingressMetrics" -}}
{{- $top := index . 0 -}}
{{- if $top.Values.monitoring.peers }}
- from:
    {{- range $top.Values.monitoring.peers }}
    {{- include "pumpjack.peer" . | nindent 4 }}
    {{- end }}
  ports:
    - {protocol: TCP, port: {{ index . 1 }}}
{{- end }}
{{- end -}}
