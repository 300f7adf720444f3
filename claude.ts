#!/usr/bin/env -S sh -c 'self=$(realpath "$0"); exec "${self%/*}/bin/tsrun" "$self" "$@"'
import { main } from './src/cli/main.ts'

void main(process.argv.slice(2)).then(status => {
  process.exitCode = status
})
