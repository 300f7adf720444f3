# The policy's way from the mounted file into Squid: copied, checked, accepted or refused.
# Sourced by entrypoint and check-policy; `refused` exists as long as the file differs from what Squid enforces.
mounted=/etc/claude-secure/proxy/squid.conf
here=/usr/local/lib/claude-secure
run=/run/squid

# One JSON line on the log, whatever the text holds (N17). The digest tells which file it is about.
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

# Writes FILE to OUTPUT without the names whose time is over; the time of the next one goes to `next`.
without_expired() {
  mawk -v now="$(now)" -v next_file="$run/next.new" -f "$here/expiry" "$1" > "$2" 2> "$run/expiry.log"
}

# Prints why the file `seen` cannot become the policy; nothing when it can: then it is candidate.conf.
objection() {
  without_expired "$run/seen" "$run/candidate.conf" || { head -n 1 "$run/expiry.log"; return; }
  # Squid takes half a file for a whole one, and turns the last rule around where no `deny all` follows it.
  [ "$(last_rule http_access)" = 'http_access deny all' ] ||
    { echo 'the last http_access line must be: http_access deny all'; return; }
  parsed=yes
  squid -k parse -f "$run/start-from-candidate.conf" 2> "$run/parse.log" || parsed=
  # Squid ends well after a line it does not know and an http_access it cannot read, and goes on without them.
  complaint=$(grep -v '| *Processing' "$run/parse.log" | grep -E 'ERROR|FATAL|unrecognized|aclParse' | head -n 2 |
    sed -e 's/^[0-9/]* [0-9:]*| *//' -e "s|$run/candidate.conf|squid.conf|g" | paste -s -d ' ')
  [ "$parsed" ] && [ -z "$complaint" ] || echo "${complaint:-squid -k parse failed and said nothing}"
}

# Puts candidate.conf in force for the next start or reload of Squid.
enforce() {
  mv "$run/next.new" "$run/next"
  cp "$run/candidate.conf" "$run/policy.next"
  mv "$run/policy.next" "$run/policy.conf"
}

# Makes the mounted file policy.conf, or leaves policy.conf alone and says why in `refused`.
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

# The sockets Squid listens on, by the kernel's numbers: other ones after each reload.
listening() {
  while read -r _ local _ state _ _ _ _ _ inode _; do
    case $local$state in *:0C380A) printf '%s ' "$inode" ;; esac
  done < /proc/net/tcp
}

# Tells Squid to take policy.conf, and returns when it listens under it.
reload() {
  before=$(listening)
  kill -HUP "$1"
  for _ in $(seq 100); do
    sleep 0.02
    after=$(listening)
    case $after in *' '*' ') [ "$after" = "$before" ] || return 0 ;; esac
  done
}

# Whether a name in the policy in force has come to its end. It is asked of the clock, so that neither a
# restart nor a machine that slept prolongs it.
has_expired() {
  next=
  read -r next < "$run/next" || [ -n "$next" ] || return
  [ -n "$next" ] && [ "$(mawk -v now="$(now)" -v next_time="$next" 'BEGIN { print (next_time "") <= (now "") }')" = 1 ]
}

# Looks at the content, not at the time: an editor replaces the file, a checkout sets its clock back.
watch_policy() {
  while sleep 0.5; do
    if ! cmp -s "$mounted" "$run/seen" && [ -r "$mounted" ]; then
      consider_policy && reload "$1" && say policy-loaded squid.conf "$(digest "$run/accepted")"
    fi
    # Also when the mounted file was refused since: what is in force ends when it was to end.
    if has_expired && without_expired "$run/accepted" "$run/candidate.conf"; then
      enforce
      reload "$1" && say policy-expired 'the time of a name is over' "$(digest "$run/accepted")"
    fi
  done
}
