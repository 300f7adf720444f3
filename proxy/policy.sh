# The policy's way from the mounted file into Squid: copied, checked, accepted or refused.
# Sourced by entrypoint; `refused` exists as long as the file differs from what Squid enforces.
mounted=/etc/claude-secure/proxy/squid.conf
run=/run/squid

# One JSON line on the log, whatever the text holds (N17).
say() {
  text=$(printf %s "$2" | tr -c '[:print:]' ' ' | tr '"\\' "'/" | cut -c 1-500)
  printf '{"ts":%s,"event":"%s","text":"%s"}\n' "$(date +%s.%3N)" "$1" "$text"
}

last_rule() {
  grep "^[[:space:]]*$1[[:space:]]" "$run/candidate.conf" | tail -n 1 | sed 's/#.*//' | xargs
}

# Prints why the candidate cannot become the policy; nothing when it can.
objection() {
  # Squid takes half a file for a whole one, and turns the last rule around where no `deny all` follows it.
  [ "$(last_rule http_access)" = 'http_access deny all' ] ||
    { echo 'the last http_access line must be: http_access deny all'; return; }
  squid -k parse -f "$run/start-from-candidate.conf" 2> "$run/parse.log" && return
  complaint=$(grep -E 'ERROR|FATAL|unrecognized' "$run/parse.log" | head -n 2 |
    sed -e 's/^[0-9/]* [0-9:]*| *//' -e "s|$run/candidate.conf|squid.conf|g" | paste -s -d ' ')
  echo "${complaint:-squid -k parse failed and said nothing}"
}

# Makes the mounted file policy.conf, or leaves policy.conf alone and says why in `refused`.
consider_policy() {
  if cat "$mounted" > "$run/candidate.conf" 2> /dev/null; then
    reason=$(objection)
  else
    reason='squid.conf cannot be read'
  fi
  if [ -n "$reason" ]; then
    say policy-refused "$reason" | tee "$run/refused"
    return 1
  fi
  cp "$run/candidate.conf" "$run/policy.next"
  mv "$run/policy.next" "$run/policy.conf"
  rm -f "$run/refused"
  say policy-loaded squid.conf
}

# Looks at the content, not at the time: an editor replaces the file, a checkout sets its clock back.
watch_policy() {
  while sleep 0.5; do
    cmp -s "$mounted" "$run/candidate.conf" && continue
    [ -r "$mounted" ] || continue
    consider_policy && kill -HUP "$1"
  done
}
