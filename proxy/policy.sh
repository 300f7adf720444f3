# Takes the policy from the mounted file into Squid: copies, checks, and accepts or refuses it.
# Sourced by entrypoint and check-policy. `refused` exists while Squid enforces another policy than the file.
mounted=/etc/claude-secure/proxy/squid.conf
here=/usr/local/lib/claude-secure
run=/run/squid
parent=/etc/claude-secure/parent/parent.conf

# Logs one JSON line, for any text (N17). The digest identifies the file.
say() {
  text=$(printf %s "$2" | tr -c '[:print:]' ' ' | tr '"\\' "'/" | cut -c 1-500)
  printf '{"ts":%s,"event":"%s","text":"%s","digest":"%s"}\n' "$(date +%s.%3N)" "$1" "$text" "${3:-}"
}

digest() {
  sha256sum "$1" | cut -c 1-64
}

last_rule() {
  grep "^[[:space:]]*$1[[:space:]]" "$run/candidate.conf" | tail -n 1 | sed 's/#.*//' | xargs
}

now() {
  date -u +%Y-%m-%dT%H:%M:%SZ
}

# Writes FILE to OUTPUT without expired names; the next expiry goes to `next.new`.
without_expired() {
  mawk -v now="$(now)" -v next_file="$run/next.new" -f "$here/expiry" "$1" > "$2" 2> "$run/expiry.log"
}

# Prints why the file `seen` cannot become the policy. Prints nothing when it can; it is then in candidate.conf.
objection() {
  without_expired "$run/seen" "$run/candidate.conf" || { head -n 1 "$run/expiry.log"; return; }
  # Squid accepts a truncated file, and inverts the last rule when no `deny all` follows it.
  [ "$(last_rule http_access)" = 'http_access deny all' ] ||
    { echo 'the last http_access line must be: http_access deny all'; return; }
  parsed=yes
  squid -k parse -f "$run/start-from-candidate.conf" 2> "$run/parse.log" || parsed=
  # Squid exits with 0 after an unknown line or an unreadable http_access, and continues without it.
  complaint=$(grep -v '| *Processing' "$run/parse.log" | grep -E 'ERROR|FATAL|unrecognized|aclParse' | head -n 2 |
    sed -e 's/^[0-9/]* [0-9:]*| *//' -e "s|$run/candidate.conf|squid.conf|g" -e 's/login=[^ ]*/login=***/g' | paste -s -d ' ')
  [ "$parsed" ] && [ -z "$complaint" ] || echo "${complaint:-squid -k parse failed without a message}"
}

# Prints the addresses of the parent proxy's name.
parent_addresses() {
  { read -r _ name _ < "$parent" && getent ahostsv4 "$name"; } || true
}

# Succeeds when the parent's name resolves and did not when Squid read it: Squid itself asks again after an hour.
parent_resolves() {
  [ -e "$parent" ] && ! [ -s "$run/parent-addresses" ] && parent_addresses > "$run/parent-addresses" &&
    [ -s "$run/parent-addresses" ]
}

# Writes what Squid starts from. The user and password of a parent proxy are in it.
write_start() {
  if [ -e "$parent" ]; then
    cat "$parent" > "$run/parent-seen"
    parent_addresses > "$run/parent-addresses"
  fi
  for policy in candidate policy; do
    (umask 077 && "$here/stack-conf" "$run/$policy.conf" > "$run/start.next") || return 1
    mv "$run/start.next" "$run/start-from-$policy.conf"
  done
}

# Puts candidate.conf in force for the next start or reload of Squid.
enforce() {
  mv "$run/next.new" "$run/next"
  cp "$run/candidate.conf" "$run/policy.next"
  mv "$run/policy.next" "$run/policy.conf"
}

# Makes the mounted file policy.conf, or keeps policy.conf and writes the reason to `refused`.
consider_policy() {
  if cat "$mounted" > "$run/seen" 2> /dev/null; then
    reason=$(objection)
  else
    reason='squid.conf cannot be read'
  fi
  if [ -n "$reason" ]; then
    say policy-refused "$reason" "$(digest "$run/seen")" | tee "$run/refused"
    return 1
  fi
  cp "$run/seen" "$run/accepted"
  enforce
  rm -f "$run/refused"
}

# Prints the inodes of Squid's listening sockets, which change with each reload.
listening() {
  while read -r _ local _ state _ _ _ _ _ inode _; do
    case $local$state in *:0C380A) printf '%s ' "$inode" ;; esac
  done < /proc/net/tcp
}

# Reloads Squid with policy.conf, and returns when it listens again.
reload() {
  before=$(listening)
  kill -HUP "$1"
  for _ in $(seq 100); do
    sleep 0.02
    after=$(listening)
    case $after in *' '*' ') [ "$after" = "$before" ] || return 0 ;; esac
  done
}

# Succeeds when a name of the policy in force has expired, by the clock: neither a restart nor a suspended
# machine prolongs it.
has_expired() {
  next=
  read -r next < "$run/next" || [ -n "$next" ] || return
  [ -n "$next" ] && [ "$(mawk -v now="$(now)" -v next_time="$next" 'BEGIN { print (next_time "") <= (now "") }')" = 1 ]
}

# Compares content instead of modification times: an editor replaces the file, a checkout can set an older time.
watch_policy() {
  while sleep 0.5; do
    if ! cmp -s "$mounted" "$run/seen" && [ -r "$mounted" ]; then
      consider_policy && reload "$1" && say policy-loaded squid.conf "$(digest "$run/accepted")"
    fi
    # Another password or other names without the parent: takes effect without a restart.
    if [ -e "$parent" ] && ! cmp -s "$parent" "$run/parent-seen"; then
      write_start && reload "$1" && say parent-loaded 'the parent proxy has another configuration'
    fi
    if parent_resolves; then
      # Squid remembers for a second that there was no such name.
      sleep 2
      reload "$1" && say parent-loaded 'the name of the parent proxy resolves'
    fi
    # Also after the mounted file was refused: names in force expire on time.
    if has_expired && without_expired "$run/accepted" "$run/candidate.conf"; then
      enforce
      reload "$1" && say policy-expired 'the time of a name is over' "$(digest "$run/accepted")"
    fi
  done
}
