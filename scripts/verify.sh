#!/usr/bin/env bash
# Everything that must hold before a change goes in: the same here as in CI.
# The last line is "N passed, N failed": each test counts, and so does each further step.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

results=$(mktemp -d)
report="$results/jest.json"
passed=0
failed=0

close() {
  rm -rf "$results"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] || exit 1
}
# Also when a signal ends this early: what was not run has not passed.
trap close EXIT
trap 'failed=$((failed + 1)); exit 1' INT TERM HUP

step() {
  local name=$1
  shift
  echo "== $name"
  if "$@" </dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "== $name FAILED"
  fi
}

echo "== tests"
# A test that fails may leave a connection open: that must not hold up the rest.
npm test -- --json --outputFile="$report" --forceExit </dev/null
status=$?
counts=$(node --import tsx scripts/count-tests.ts "$report" "$status") || counts="0 1"
passed=${counts% *}
failed=${counts#* }

step lint npm run --silent lint
step types npm run --silent types
step build npm run --silent build
step package npm run --silent check:package
step size npm run --silent check:size
step demo npm run --silent demo -- --short
step chaos npm run --silent demo -- --chaos --short
step 'demo of the exchange' npm run --silent demo -- --grant snowflake
step examples npm run --silent examples
