module incident-conformance/kind/pause

go 1.24
