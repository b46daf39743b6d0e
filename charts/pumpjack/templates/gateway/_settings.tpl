{{/* The gateway's environment: gateway/pumpjack_gateway/settings.py is what reads it. */}}
{{- define "pumpjack.gatewaySettings" -}}
- name: PUMPJACK_REST_ADDRESS
  value: 0.0.0.0:4000
- name: PUMPJACK_WS_ADDRESS
  value: 0.0.0.0:4001
- name: PUMPJACK_LOG_LEVEL
  value: {{ .Values.gateway.logLevel }}
- name: PUMPJACK_CURSOR_SECRET
  {{- include "pumpjack.login" (list . "cursor-secret") | nindent 2 }}
{{- if .Values.gateway.issuers }}
- name: PUMPJACK_JWT_ISSUERS
  value: {{ .Values.gateway.issuers | toJson | quote }}
{{- else if not .Values.tryout.enabled }}
{{- fail "gateway.issuers is empty: name who issues your users' tokens (values.yaml has an example)" }}
{{- end }}
{{- if .Values.tryout.enabled }}
- name: PUMPJACK_JWT_SECRET
  {{- include "pumpjack.login" (list . "jwt-secret") | nindent 2 }}
{{- end }}
{{- with .Values.gateway.origins }}
- name: PUMPJACK_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
{{- if .Values.gateway.tls.secretName }}
- name: PUMPJACK_TLS_CERT_FILE
  value: /etc/pumpjack/tls/tls.crt
- name: PUMPJACK_TLS_KEY_FILE
  value: /etc/pumpjack/tls/tls.key
{{- end }}
{{- with .Values.gateway.webhooks }}
{{- if .secretName }}
- name: PUMPJACK_WEBHOOKS
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- range $key, $value := .Values.gateway.settings }}
- name: PUMPJACK_{{ $key | snakecase | upper }}
  value: {{ $value | toJson | quote }}
{{- end }}
{{- end -}}
