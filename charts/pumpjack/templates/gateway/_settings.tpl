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
{{- $hosts := include "pumpjack.screensHosts" . | fromJsonArray }}
{{- $origins := .Values.gateway.origins }}
{{- range $hosts }}
{{- $origins = append $origins (printf "https://%s" .) }}
{{- end }}
{{- with $origins }}
- name: PUMPJACK_ORIGINS
  value: {{ join "," (uniq .) | quote }}
{{- end }}
{{- with .Values.gateway.screens }}
{{- if not .enabled }}
- name: PUMPJACK_SCREENS
  value: "false"
{{- end }}
{{- if or .webSocketUrl $hosts }}
- name: PUMPJACK_WEB_SOCKET_URL
  value: {{ .webSocketUrl | default (printf "wss://%s/ws" (first $hosts)) | quote }}
{{- end }}
{{- if .oidc.issuer }}
- name: PUMPJACK_OIDC_ISSUER
  value: {{ .oidc.issuer | quote }}
- name: PUMPJACK_OIDC_CLIENT_ID
  value: {{ required "gateway.screens.oidc.clientId is empty: name the client that the issuer knows the screens by" .oidc.clientId | quote }}
- name: PUMPJACK_OIDC_SCOPES
  value: {{ .oidc.scopes | quote }}
{{- with .oidc.origins }}
- name: PUMPJACK_OIDC_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- if kindIs "bool" .tokenSignIn }}
- name: PUMPJACK_TOKEN_SIGN_IN
  value: {{ .tokenSignIn | quote }}
{{- end }}
{{- if .pictures.configMap }}
- name: PUMPJACK_TEMPLATES_DIR
  value: /etc/pumpjack/pictures
{{- end }}
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

{{/* Hosts with TLS at which people reach the screens, as a JSON list; a wildcard says no host. */}}
{{- define "pumpjack.screensHosts" -}}
{{- $hosts := list }}
{{- with .Values.gateway.ingress }}
{{- if .enabled }}
{{- $hosts = append $hosts .host }}
{{- end }}
{{- end }}
{{- with .Values.gateway.httpRoute }}
{{- if .enabled }}
{{- range .hostnames }}
{{- if not (contains "*" .) }}
{{- $hosts = append $hosts . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- uniq (compact $hosts) | toJson -}}
{{- end -}}
