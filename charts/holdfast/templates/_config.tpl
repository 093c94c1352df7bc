{{/* The document's `controller`: what the chart sets, and above it what `config.controller` says. */}}
{{- define "holdfast.controllerSettings" -}}
{{- $metrics := dict "listen" (printf "127.0.0.1:%d" (int .Values.metrics.port)) -}}
{{- if .Values.metrics.enabled -}}
{{- $metrics = dict "listen" (printf "0.0.0.0:%d" (int .Values.metrics.port)) "public" true -}}
{{- end -}}
{{- $settings := dict
    "listen" "0.0.0.0:8010"
    "metrics" $metrics
    "allowedHosts" (include "holdfast.hosts" . | fromYamlArray)
    "allowEmpty" (include "holdfast.allowEmpty" . | eq "true") -}}
{{- $auth := dict -}}
{{- if include "holdfast.tokensSecret" . -}}{{- $_ := set $auth "tokensFile" "/etc/holdfast-tokens/tokens" -}}{{- end -}}
{{- if .Values.auth.kubernetes -}}{{- $_ := set $auth "kubernetes" true -}}{{- end -}}
{{- if $auth -}}{{- $_ := set $settings "auth" $auth -}}{{- end -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $settings "tls" (dict "certFile" "/etc/holdfast-tls/tls.crt" "keyFile" "/etc/holdfast-tls/tls.key") -}}
{{- end -}}
{{- if .Values.leaderElection.enabled -}}
{{- $_ := set $settings "leaderElection" (dict
    "enabled" true
    "name" (include "holdfast.fullname" .)
    "leaseDuration" .Values.leaderElection.leaseDuration
    "renewDeadline" .Values.leaderElection.renewDeadline
    "retryPeriod" .Values.leaderElection.retryPeriod) -}}
{{- end -}}
{{- mergeOverwrite $settings (deepCopy (default dict .Values.config.controller)) | toYaml -}}
{{- end -}}

{{- define "holdfast.document" -}}
{{- $document := omit (deepCopy .Values.config) "controller" -}}
{{- $_ := set $document "apiVersion" (default "holdfast/v1" $document.apiVersion) -}}
{{- $_ := set $document "controller" (include "holdfast.controllerSettings" . | fromYaml) -}}
{{- $_ := set $document "services" .Values.services -}}
{{- toYaml $document -}}
{{- end -}}

{{- define "holdfast.allowEmpty" -}}
{{- if kindIs "bool" .Values.allowEmpty -}}{{- .Values.allowEmpty -}}{{- else -}}{{- empty .Values.services -}}{{- end -}}
{{- end -}}

{{/* What no schema can tell. */}}
{{- define "holdfast.check" -}}
{{- $ways := list -}}
{{- if .Values.auth.existingSecret -}}{{- $ways = append $ways "auth.existingSecret" -}}{{- end -}}
{{- if .Values.auth.tokens -}}{{- $ways = append $ways "auth.tokens" -}}{{- end -}}
{{- if gt (len $ways) 1 -}}
{{- fail "auth.existingSecret and auth.tokens can't be had together: one file holds the tokens" -}}
{{- end -}}
{{- if and .Values.auth.insecure (or $ways .Values.auth.kubernetes) -}}
{{- fail "auth.insecure asks nobody for a token: leave it out, or leave out existingSecret, tokens and kubernetes" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) -}}
{{- fail "replicas above 1 need leaderElection.enabled: otherwise each would act" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) .Values.persistence.enabled -}}
{{- fail "persistence serves one replica: leave it out with replicas above 1; what matters is kept in the cluster anyway" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts is empty: the API answers only for names that it knows" -}}
{{- end -}}
{{- if and .Release.IsUpgrade (empty .Values.services) (not (eq .Values.allowEmpty true)) -}}
{{- $old := lookup "v1" "ConfigMap" .Release.Namespace (printf "%s-config" (include "holdfast.fullname" .)) -}}
{{- if $old -}}
{{- if (index (default dict $old.data) "holdfast.yaml" | default "" | fromYaml).services -}}
{{- fail "this upgrade has no services, but the release has some, and they would be removed; give the values again (-f), or say allowEmpty=true" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
