{{/*
How the database and Redis are reached. TLS is always verified; only the stores of tryout have none.
Passwords come from Secrets by themselves, so that no URL with one is rendered.
*/}}

{{- define "pumpjack.databaseHost" -}}
{{- if .Values.tryout.enabled -}}{{ include "pumpjack.name" (list . "postgresql") }}.{{ .Release.Namespace }}.svc
{{- else -}}{{ required "database.host is not set: name your PostgreSQL, or set tryout.enabled to try Pumpjack out with one inside the release" .Values.database.host }}{{- end -}}
{{- end -}}

{{- define "pumpjack.redisHost" -}}
{{- if .Values.tryout.enabled -}}{{ include "pumpjack.name" (list . "valkey") }}.{{ .Release.Namespace }}.svc
{{- else -}}{{ required "redis.host is not set: name your Redis or Valkey, or set tryout.enabled to try Pumpjack out with one inside the release" .Values.redis.host }}{{- end -}}
{{- end -}}

{{- define "pumpjack.caFile" -}}
{{- $ca := index . 0 -}}
{{- if or $ca.configMap $ca.secret -}}/etc/pumpjack/{{ index . 1 }}-ca/ca.crt{{- else -}}/etc/ssl/certs/ca-certificates.crt{{- end -}}
{{- end -}}

{{/* (list . "pumpjack_gateway") */}}
{{- define "pumpjack.databaseUrl" -}}
{{- $top := index . 0 -}}
{{- $tls := printf "sslmode=verify-full&sslrootcert=%s" (include "pumpjack.caFile" (list $top.Values.database.ca "database")) -}}
{{- printf "postgresql://%s@%s:%d/%s?%s" (index . 1) (include "pumpjack.databaseHost" $top) (int $top.Values.database.port) $top.Values.database.name (ternary "sslmode=disable" $tls $top.Values.tryout.enabled) -}}
{{- end -}}

{{/* For workers, where a pooler stands before the database; the operator adds their logins. */}}
{{- define "pumpjack.workerDatabaseUrl" -}}
{{- printf "postgresql://%s:%d/%s?sslmode=verify-full&sslrootcert=%s" .Values.database.pooler.host (int .Values.database.pooler.port) .Values.database.name (include "pumpjack.caFile" (list .Values.database.ca "database")) -}}
{{- end -}}

{{/* (list . "gateway"); its password is in REDIS_PASSWORD. */}}
{{- define "pumpjack.redisUrl" -}}
{{- $top := index . 0 -}}
{{- $place := printf "%s:%d/0" (include "pumpjack.redisHost" $top) (int $top.Values.redis.port) -}}
{{- if $top.Values.tryout.enabled -}}
{{- printf "redis://default:$(REDIS_PASSWORD)@%s" $place -}}
{{- else -}}
{{- printf "rediss://%s:$(REDIS_PASSWORD)@%s?ssl_ca_certs=%s" (index $top.Values.redis.users (index . 1)) $place (include "pumpjack.caFile" (list $top.Values.redis.ca "redis")) -}}
{{- end -}}
{{- end -}}

{{/* (list . "pumpjack_gateway" "database-gateway-password") */}}
{{- define "pumpjack.databaseEnv" -}}
{{- $top := index . 0 -}}
- name: PUMPJACK_DATABASE_URL
  value: {{ include "pumpjack.databaseUrl" . | quote }}
- name: PGPASSWORD
  {{- include "pumpjack.login" (list $top (index . 2)) | nindent 2 }}
{{- end -}}

{{- define "pumpjack.redisEnv" -}}
{{- $top := index . 0 -}}
- name: REDIS_PASSWORD
  {{- include "pumpjack.login" (list $top (printf "redis-%s-password" (index . 1))) | nindent 2 }}
- name: PUMPJACK_REDIS_URL
  value: {{ include "pumpjack.redisUrl" . | quote }}
{{- end -}}

{{- define "pumpjack.login" -}}
valueFrom:
  secretKeyRef:
    name: {{ (index . 0).Values.loginsSecret }}
    key: {{ index . 1 }}
{{- end -}}

{{/* (list . "database" "redis"): the authorities that these are checked against. */}}
{{- define "pumpjack.caMounts" -}}
{{- $top := index . 0 -}}
{{- range rest . }}
{{- $ca := (index $top.Values .).ca }}
{{- if and (or $ca.configMap $ca.secret) (not $top.Values.tryout.enabled) }}
- name: {{ . }}-ca
  mountPath: /etc/pumpjack/{{ . }}-ca
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{- define "pumpjack.caVolumes" -}}
{{- $top := index . 0 -}}
{{- range rest . }}
{{- $ca := (index $top.Values .).ca }}
{{- if and (or $ca.configMap $ca.secret) (not $top.Values.tryout.enabled) }}
- name: {{ . }}-ca
  {{- if $ca.configMap }}
  configMap:
    name: {{ $ca.configMap }}
  {{- else }}
  secret:
    secretName: {{ $ca.secret }}
  {{- end }}
    items:
      - {key: {{ $ca.key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- end -}}

{{/* Both stores as platform.yaml names them: a list of {port, cidr | namespace, pods}. */}}
{{- define "pumpjack.storePeers" -}}
{{- $top := . -}}
{{- if .Values.tryout.enabled -}}
{{- range $part, $port := dict "postgresql" .Values.database.port "valkey" .Values.redis.port }}
- namespace: {{ $top.Release.Namespace }}
  port: {{ $port }}
  pods:
    {{- include "pumpjack.selector" (list $top $part) | nindent 4 }}
{{- end }}
{{- else -}}
{{- $database := ternary .Values.database.pooler .Values.database (ne .Values.database.pooler.host "") }}
{{- range $store, $values := dict "database" $database "redis" .Values.redis }}
{{- range required (printf "%s.peers is empty: say where it is, as NetworkPolicies need it, for example [{cidr: 10.9.0.4/32}]" $store) $values.peers }}
{{ list (merge (dict "port" $values.port) .) | toYaml }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}
