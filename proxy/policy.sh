# Takes the policy from the mounted files into Squid: copies, checks, and accepts or refuses them together.
# Sourced by entrypoint and check-policy. `refused` exists while Squid enforces another policy than the files.
mounted=/etc/claude-secure/proxy/squid.conf
# Names with a port or a private range for every folder, and everything that is for this folder alone. Both optional.
mounted_checkout=/etc/claude-secure/proxy/grants.list
mounted_here=/etc/claude-secure/folder/grants.list
# Names that the server of `serve` grants to its tenants for a time. Mounted in its stack only.
mounted_server=/etc/claude-secure/server-grants/grants.list
largest=65536
here=/usr/local/lib/claude-secure
run=/run/squid
parent=/etc/claude-secure/parent/parent.conf

# Logs one JSON line, for any text (N17). The digests of the set NAME (seen or accepted) identify the files.
say() {
  text=$(printf %s "$2" | tr -c '[:print:]' ' ' | tr '"\\' "'/" | cut -c 1-500)
  set=${3:-nothing}
  printf '{"ts":%s,"event":"%s","text":"%s","digest":"%s","checkout":"%s","here":"%s"}\n' "$(date +%s.%3N)" \
    "$1" "$text" "$(digest "$run/$set.conf")" "$(digest "$run/$set.checkout")" "$(digest "$run/$set.here")"
}

digest() {
  sha256sum "$1" 2> /dev/null | cut -c 1-64
}

# Prints a grants file, or nothing when there is none. Fails for anything but a readable regular file of bounded size,
# and prints a mark, so that a file that cannot be read differs from one that is missing.
read_grants() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  [ -f "$1" ] && [ -r "$1" ] && [ "$(stat -L -c %s "$1")" -le "$largest" ] && cat "$1" && return
  echo '# unreadable'
  return 1
}

# Copies the mounted files to the set `seen`; prints what cannot be read.
snapshot() {
  cat "$mounted" > "$run/seen.conf" 2> /dev/null || { echo 'squid.conf cannot be read'; return 1; }
  read_grants "$mounted_checkout" > "$run/seen.checkout" ||
    { echo 'the grants of the checkout cannot be read'; return 1; }
  read_grants "$mounted_here" > "$run/seen.here" || { echo 'the grants of this folder cannot be read'; return 1; }
}

# Succeeds when a mounted file differs from the set `seen`. By content instead of modification time: an editor
# replaces the file, a checkout can set an older time.
have_changed() {
  ! cmp -s "$mounted" "$run/seen.conf" || grants_changed "$mounted_checkout" "$run/seen.checkout" ||
    grants_changed "$mounted_here" "$run/seen.here"
}

# Starts no program for a folder without grants: this runs twice a second in every stack.
grants_changed() {
  if [ -e "$1" ] || [ -L "$1" ]; then ! read_grants "$1" | cmp -s - "$2"; else [ -s "$2" ]; fi
}

# Prints the grants of the server, or nothing when there are none. The file is not trusted, so that a server may
# write it: it is opened once, without following a link or waiting for a pipe, and read up to its bound.
read_server_grants() {
  [ -d "${mounted_server%/*}" ] || return 0
  [ -e "$mounted_server" ] || [ -L "$mounted_server" ] || return 0
  timeout 2 dd "if=$mounted_server" iflag=nofollow,nonblock,fullblock bs=$((largest + 1)) count=1 status=none \
    2> /dev/null || printf '\nunreadable\n'
}

# Takes the grants of the server as the set `accepted`; `next.said` gets the event that follows. A file that cannot be
# read grants nothing: the names of squid.conf and the time of other grants must not depend on this file.
take_server_grants() {
  read_server_grants > "$run/seen.server"
  if [ "$(stat -c %s "$run/seen.server")" -gt "$largest" ]; then
    reason='the file is larger than 64 KiB'
  elif reason=$(compile_server "$run/seen.server" 2>&1 > /dev/null); then
    cp "$run/seen.server" "$run/accepted.server"
    return
  fi
  : > "$run/accepted.server"
  say_server grants-refused "$reason"
  return 1
}

# Compiles the grants of the server in a file, without expired ones.
compile_server() {
  mawk -v now="$(now)" -v latest="$(date -u -d '+7 days 1 minute' +%Y-%m-%dT%H:%M:%SZ)" \
    -v next_file="$run/next.server" -v kept_file="$run/kept.new" -f "$here/server-grants" "$1"
}

# Logs what became of the server's file as it was last read.
say_server() {
  text=$(printf %s "$2" | tr -c '[:print:]' ' ' | tr '"\\' "'/" | cut -c 1-500)
  printf '{"ts":%s,"event":"%s","text":"%s","server":"%s"}\n' "$(date +%s.%3N)" "$1" "$text" "$(digest "$run/seen.server")"
}

# Logs each grant of the server that came into force or ended since the last call.
say_server_grants() {
  [ -d "${mounted_server%/*}" ] || return 0
  touch "$run/kept.new" "$run/kept"
  mawk -v ts="$(date +%s.%3N)" -v old="$run/kept" '
    BEGIN { while ((getline line < old) > 0) before[line] = 1 }
    { after[$0] = 1; if (!($0 in before)) print "{\"ts\":" ts ",\"event\":\"grant-opened\"," $0 "}" }
    END { for (line in before) if (!(line in after)) print "{\"ts\":" ts ",\"event\":\"grant-closed\"," line "}" }
  ' "$run/kept.new"
  mv "$run/kept.new" "$run/kept"
}

last_rule() {
  grep "^[[:space:]]*$1[[:space:]]" "$run/candidate.conf" | tail -n 1 | sed 's/#.*//' | xargs
}

now() {
  date -u +%Y-%m-%dT%H:%M:%SZ
}

# Compiles the files of a set, and the accepted grants of the server, to candidate.conf and candidate-grants.conf,
# without expired names; the next expiry goes to `next.new`.
compile() {
  now=$(now)
  mawk -v now="$now" -v next_file="$run/next.conf" -f "$here/expiry" "$run/$1.conf" \
    > "$run/candidate.conf" 2> "$run/expiry.log" &&
    mawk -v now="$now" -v next_file="$run/next.grants" -f "$here/grants" "$run/$1.checkout" "$run/$1.here" \
      > "$run/candidate-grants.conf" 2> "$run/expiry.log" || return
  [ -e "$run/accepted.server" ] || : > "$run/accepted.server"
  # A clock that was set back can turn an accepted time into one that is too far ahead.
  compile_server "$run/accepted.server" > "$run/candidate-server.conf" 2> /dev/null ||
    compile_server /dev/null > "$run/candidate-server.conf"
  cat "$run/candidate-server.conf" >> "$run/candidate-grants.conf"
  for part in conf grants server; do cat "$run/next.$part" && echo; done | grep . | sort | head -n 1 > "$run/next.new"
}

# Prints why the set `seen` cannot become the policy. Prints nothing when it can; it is then compiled.
objection() {
  compile seen || { reason=$(head -n 1 "$run/expiry.log"); echo "${reason:-the files cannot be compiled}"; return; }
  # Squid accepts a truncated file, and inverts the last rule when no `deny all` follows it.
  [ "$(last_rule http_access)" = 'http_access deny all' ] ||
    { echo 'the last http_access line must be: http_access deny all'; return; }
  parsed=yes
  squid -k parse -f "$run/start-from-candidate.conf" 2> "$run/parse.log" || parsed=
  # Squid exits with 0 after an unknown line or an unreadable http_access, and continues without it.
  complaint=$(grep -v '| *Processing' "$run/parse.log" | grep -E 'ERROR|FATAL|unrecognized|aclParse' | head -n 2 |
    sed -e 's/^[0-9/]* [0-9:]*| *//' -e "s|$run/candidate.conf|squid.conf|g" -e 's/login=[^ ]*/login=***/g' \
      -e "s|$run/candidate-grants.conf|the grants|g" | paste -s -d ' ')
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

# Puts the compiled files in force for the next start or reload of Squid.
enforce() {
  mv "$run/next.new" "$run/next"
  for file in policy-grants policy; do
    cp "$run/candidate${file#policy}.conf" "$run/$file.next"
    mv "$run/$file.next" "$run/$file.conf"
  done
}

# Makes the mounted files the policy, or keeps the policy in force and writes the reason to `refused`.
consider_policy() {
  reason=$(snapshot) && reason=$(objection)
  if [ -n "$reason" ]; then
    say policy-refused "$reason" seen | tee "$run/refused"
    return 1
  fi
  for part in conf checkout here; do cp "$run/seen.$part" "$run/accepted.$part"; done
  enforce
  rm -f "$run/refused"
}

# Prints the inodes of Squid's listening sockets, which change with each reload.
listening() {
  while read -r _ local _ state _ _ _ _ _ inode _; do
    case $local$state in *:0C380A) printf '%s ' "$inode" ;; esac
  done < /proc/net/tcp
}

count() {
  echo $#
}

# Reloads Squid with policy.conf, and returns when it listens again on as many networks.
reload() {
  before=$(listening)
  # shellcheck disable=SC2086 # one word for each socket
  sockets=$(count $before)
  kill -HUP "$1"
  for _ in $(seq 100); do
    sleep 0.02
    after=$(listening)
    # shellcheck disable=SC2086
    [ "$(count $after)" -ne "$sockets" ] || [ "$after" = "$before" ] || return 0
  done
}

# Succeeds when a name of the policy in force has expired, by the clock: neither a restart nor a suspended
# machine prolongs it.
has_expired() {
  next=
  read -r next < "$run/next" || [ -n "$next" ] || return
  [ -n "$next" ] && [ "$(mawk -v now="$(now)" -v next_time="$next" 'BEGIN { print (next_time "") <= (now "") }')" = 1 ]
}

# Succeeds when the grants of the server differ from those last read.
server_grants_changed() {
  [ -e "$mounted_server" ] || [ -L "$mounted_server" ] || { [ -s "$run/seen.server" ]; return; }
  ! read_server_grants | cmp -s - "$run/seen.server"
}

watch_policy() {
  pause=0
  while sleep 0.5; do
    if [ -r "$mounted" ] && have_changed; then
      consider_policy && reload "$1" && say_server_grants && say policy-loaded squid.conf accepted
    fi
    # A server that changes its grants all the time must not keep Squid reloading.
    if [ "$pause" -gt 0 ]; then
      pause=$((pause - 1))
    elif server_grants_changed; then
      pause=4
      take_server_grants && taken=grants-loaded || taken=
      if compile accepted; then
        enforce
        reload "$1"
        say_server_grants
        [ -z "$taken" ] || say_server "$taken" 'the grants of the server'
      fi
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
    # Also after the mounted files were refused: names in force expire on time.
    if has_expired && compile accepted; then
      enforce
      reload "$1" && say_server_grants && say policy-expired 'the time of a name is over' accepted
    fi
  done
}
