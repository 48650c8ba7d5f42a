#!/bin/sh
# A release from CI or cron: people decide, what they granted runs, once, and how it ended is on the record.
#
#   SAYSO_URL=… SAYSO_TOKEN=… examples/hosts/release.sh 1.4.2
#
# The job may be killed and started again: the same release finds its own approval.
set -eu
version=${1:?which version}
exec sayso run deploy --param env=prod --param version="$version" --reason "Release $version" \
  --session "release-$version" --step deploy -- sh -c 'echo "released $SAYSO_PARAM_VERSION to $SAYSO_PARAM_ENV" >> releases.txt'
