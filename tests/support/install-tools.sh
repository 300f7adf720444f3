#!/bin/sh
# What the end-to-end tests need besides the product's own requirements: a real terminal to sit at.
set -eu
for tool in tmux script ps; do
  command -v "$tool" > /dev/null || missing=yes
done
[ -n "${missing:-}" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends tmux bsdutils procps
