{{/* Names and labels. */}}
{{- define "holdfast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of all that belongs to the release, of its ConfigMap and of its Lease. Room is left for suffixes. */}}
{{- define "holdfast.fullname" -}}
{{- $name := include "holdfast.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of objects that belong to no namespace: releases of two namespaces may have one name. */}}
{{- define "holdfast.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "holdfast.fullname" .) -}}
{{- end -}}

{{- define "holdfast.selectorLabels" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "holdfast.labels" -}}
{{ include "holdfast.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of the pods of tests and hooks: the Service and the PodDisruptionBudget don't select them. */}}
{{- define "holdfast.hookLabels" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "holdfast.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "holdfast.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "holdfast.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Holdfast's own Secret of tokens, or the one that exists. Empty: no tokens. */}}
{{- define "holdfast.tokensSecret" -}}
{{- if .Values.auth.existingSecret -}}
{{- .Values.auth.existingSecret -}}
{{- else if or .Values.auth.tokens (include "holdfast.makesToken" .) -}}
{{- include "holdfast.fullname" . }}-tokens
{{- end -}}
{{- end -}}

{{/* Whether nothing says who may ask, so that the chart makes a token. */}}
{{- define "holdfast.makesToken" -}}
{{- if not (or .Values.auth.existingSecret .Values.auth.tokens .Values.auth.kubernetes .Values.auth.insecure) -}}true{{- end -}}
{{- end -}}

{{- define "holdfast.scheme" -}}
{{- ternary "https" "http" (not (empty .Values.tls.existingSecret)) -}}
{{- end -}}

{{/* Every name that reaches the Services from within the cluster. */}}
{{- define "holdfast.hosts" -}}
{{- $names := list (include "holdfast.fullname" .) -}}
{{- if .Values.metrics.enabled -}}{{- $names = append $names (printf "%s-metrics" (first $names)) -}}{{- end -}}
{{- $hosts := list -}}
{{- range $names -}}
{{- $in := printf "%s.%s" . $.Release.Namespace -}}
{{- $hosts = concat $hosts (list . $in (printf "%s.svc" $in) (printf "%s.svc.cluster.local" $in)) -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}{{- $hosts = concat $hosts .Values.ingress.hosts -}}{{- end -}}
{{- concat $hosts .Values.allowedHosts | uniq | toYaml -}}
{{- end -}}

{{/* policy/v1 came with 1.21. Without a cluster, helm claims all groups and knows only the version that it was told. */}}
{{- define "holdfast.pdbVersion" -}}
{{- if and (semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version) (.Capabilities.APIVersions.Has "policy/v1") -}}
policy/v1
{{- else -}}
policy/v1beta1
{{- end -}}
{{- end -}}
