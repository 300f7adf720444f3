#!/bin/sh
# What the end-to-end tests need besides the product's own requirements: a real terminal to sit at, shells that
# complete commands, a browser, an ssh server that nothing starts by itself, and namespaces for an engine of their own.
set -eu
for tool in tmux script ps ip unshare nsenter setpriv chromium zsh fish; do
  command -v "$tool" > /dev/null || missing=yes
done
[ -e /usr/share/bash-completion/bash_completion ] || missing=yes
[ -x /usr/sbin/dropbear ] || missing=yes
[ -n "${missing:-}" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends tmux bsdutils procps iproute2 util-linux chromium zsh fish bash-completion dropbear-bin
