{{/* Names and labels. Parts are called as (list . "gateway"). */}}

{{- define "pumpjack.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "pumpjack.name" -}}
{{- printf "%s-%s" (include "pumpjack.fullname" (index . 0)) (index . 1) -}}
{{- end -}}

{{- define "pumpjack.selector" -}}
app.kubernetes.io/name: pumpjack-{{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{- define "pumpjack.labels" -}}
{{- $top := index . 0 -}}
{{ include "pumpjack.selector" . }}
app.kubernetes.io/part-of: pumpjack
app.kubernetes.io/version: {{ $top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $top.Chart.Name $top.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "pumpjack.metadata" -}}
name: {{ include "pumpjack.name" . }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "pumpjack.labels" . | nindent 2 }}
{{- end -}}

{{- define "pumpjack.image" -}}
{{- $top := index . 0 -}}
{{- $image := $top.Values.image -}}
{{- $place := printf "%s/%s:%s" $image.repository (index . 1) (default $top.Chart.AppVersion $image.tag) -}}
{{- if $image.registry -}}{{ printf "%s/%s" $image.registry $place }}{{- else -}}{{ $place }}{{- end -}}
{{- end -}}
