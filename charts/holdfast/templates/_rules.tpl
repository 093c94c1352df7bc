{{/* What keeping services takes, in each namespace where there are some. docs/kubernetes.md tells why for each verb. */}}
{{- define "holdfast.workloadRules" -}}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch, create, patch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch]
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list]
{{- end -}}

{{/* Its own ConfigMap and Lease. `create` can't be limited to a name. */}}
{{- define "holdfast.ownRules" -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "holdfast.fullname" . }}]
  verbs: [get, list, watch, update]
{{- if .Values.leaderElection.enabled }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "holdfast.fullname" . }}]
  verbs: [get, update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}
{{- end -}}

{{/* What takes away the services that are left behind. */}}
{{- define "holdfast.removeRules" -}}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, delete]
{{- end -}}

{{- define "holdfast.subject" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "holdfast.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "holdfast.removeMeta" -}}
labels: {{- include "holdfast.hookLabels" . | nindent 2 }}
annotations:
  helm.sh/hook: post-delete
  helm.sh/hook-weight: "-1"
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
