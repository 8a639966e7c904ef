#!/usr/bin/env bash
# Makes the account of stacks/rbac.yaml, which may do what the suite does and nothing else, and writes its kubeconfig
# (with the pin, if there is one):   stacks/account.sh ADMIN_KUBECONFIG KUBECONFIG
# Needs kubectl; NAMESPACE (sock-shop) and HOURS that the token is good for (8) may be set.
set -euo pipefail
command -v kubectl >/dev/null || { printf 'E-KUBECTL there is no kubectl on PATH\nremedy: install it: kubernetes.io/docs/tasks/tools\n' >&2; exit 4; }
[ $# = 2 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 4; }
export KUBECONFIG=$1; target=$2; namespace=${NAMESPACE:-sock-shop}
sed "s/namespace: sock-shop$/namespace: $namespace/" "$(dirname "$0")/rbac.yaml" | kubectl apply --filename - >&2
token=$(kubectl --namespace "$namespace" create token incident-conformance --duration "${HOURS:-8}h")
seen() { kubectl config view --minify --flatten --raw --output "jsonpath={.clusters[0].cluster.$1}"; }
umask 077
cat > "$target.part" <<YAML
apiVersion: v1
kind: Config
current-context: judging
contexts: [{name: judging, context: {cluster: judged, user: incident-conformance, namespace: $namespace}}]
clusters: [{name: judged, cluster: {server: "$(seen server)", certificate-authority-data: "$(seen certificate-authority-data)"}}]
users: [{name: incident-conformance, user: {token: "$token"}}]
YAML
[ ! -e "$KUBECONFIG.pin.json" ] || cp "$KUBECONFIG.pin.json" "$target.pin.json"
mv "$target.part" "$target"
