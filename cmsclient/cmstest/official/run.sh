#!/usr/bin/env bash
# Drives the CMS emulator with DatoCMS's own Node client, unmodified, through the whole life of collaborators, invitations
# and roles. Fails when the client sees anything that it would not see of DatoCMS. Needs Go, node and npm.
set -euo pipefail
cd "$(dirname "$0")"
npm install --no-audit --no-fund --loglevel=error
exec "${GO:-go}" test -tags official -count=1 -v -run TestOfficialClient .
