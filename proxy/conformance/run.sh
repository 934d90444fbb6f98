#!/usr/bin/env bash
# Runs public SCIM tools against the demo: newman with a collection written from the facts of Microsoft's validator, and
# SCIMMY, another implementation of SCIM, as client and judge. Needs Go, node and npm.
set -euo pipefail
cd "$(dirname "$0")"
npm install --no-audit --no-fund --loglevel=error
exec "${GO:-go}" test -tags conformance -count=1 -v -run TestConformance .
