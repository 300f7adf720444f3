#!/usr/bin/env -S sh -c 'exec "$(dirname "$(realpath "$0")")/bin/tsrun" "$0" "$@"'
import { main } from './src/cli/main.ts'

process.exitCode = await main(['build', ...process.argv.slice(2)])
