// Package check reads the files of deploy as the programs do that they are made
// for: Kubernetes' own types, kustomize, Compose's loader and BuildKit's parser.
// It is a module of its own, so that their weight is not the service's.
package check
