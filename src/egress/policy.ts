/**
 * The rules of the shipped proxy/squid.conf in the order Squid applies them: what stands first wins
 * (DESIGN: "names before addresses"). tests/stack holds proxy/squid.conf equal to this, and
 * `findings` tells where an edited file differs.
 */
export const accessRules = [
  'http_access deny manager refused_form',
  'http_access deny !agent !services refused_caller',
  'http_access deny flood refused_load',
  'http_access deny !connect refused_form',
  'http_access deny !https_port refused_form',
  'http_access deny !dns_name refused_form',
  'http_access deny !listed refused_name',
  'http_access deny private refused_address',
  'http_access deny stack_addresses refused_address',
  'http_access deny !resolved refused_unresolved',
  'http_access allow at_connect',
  'http_access deny !sni_is_connect_name refused_sni',
  'http_access allow agent opened',
  'http_access allow services opened',
  'http_access deny all',
] as const

/** Rules of the TLS hello and of dialling, in order. */
export const tunnelRules = [
  'ssl_bump peek at_connect no_hello',
  'ssl_bump splice all handed_over',
  'tcp_outgoing_address 192.0.2.1 private',
  'tcp_outgoing_address 192.0.2.1 stack_addresses',
] as const

/** What the words in the rules mean. Lines of one name add up; the order between names is free. */
export const definitions = [
  'acl agent_listed all-of agent allowed_sites',
  'acl login_listed all-of agent_direct login_sites',
  'acl gateway_listed all-of services gateway_sites',
  'acl server_listed all-of services server_sites',
  'acl listed any-of agent_listed login_listed gateway_listed server_listed',
  'acl connect method CONNECT',
  'acl https_port port 443',
  'acl flood maxconn 1500',
  'acl dns_name dstdom_regex -n -i ^([a-z0-9_-]+\\.)+[a-z][a-z0-9-]*$',
  'acl private dst 0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12',
  'acl private dst 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24',
  'acl private dst 224.0.0.0/4 240.0.0.0/4',
  'acl private dst ::/128 ::1/128 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/32 2001:db8::/32 2002::/16',
  'acl private dst fc00::/7 fe80::/10 fec0::/10 ff00::/8',
  'external_acl_type same_name ttl=60 negative_ttl=60 children-startup=1 children-max=1 concurrency=64 queue-size=4096 %#ssl::>sni %DST /usr/bin/mawk -Winteractive -f /usr/local/lib/claude-secure/same-name',
  'acl sni_is_connect_name external same_name',
  'acl at_connect at_step SslBump1',
  'acl resolved dst all',
  // The last word of a deny rule must match for the rule to match: these are no mere labels.
  'acl refused_caller annotate_transaction reason=unknown-caller',
  'acl refused_load annotate_transaction reason=too-many-connections',
  'acl refused_form annotate_transaction reason=not-connect-443',
  'acl refused_name annotate_transaction reason=not-listed',
  'acl refused_address annotate_transaction reason=private-address',
  'acl refused_unresolved annotate_transaction reason=unresolved',
  'acl refused_sni annotate_transaction reason=sni-differs',
  'acl opened annotate_transaction verdict=allowed',
  'acl no_hello annotate_transaction reason=no-tls-hello',
  'acl handed_over annotate_transaction step=handed-over',
  'request_start_timeout 10 seconds',
  'request_timeout 10 seconds',
  'request_header_max_size 8 KB',
  'reply_header_max_size 16 KB',
  'max_filedescriptors 8192',
  'client_ip_max_connections 2000',
  'cache deny all',
  'icp_port 0',
  'htcp_port 0',
  'snmp_port 0',
  'pinger_enable off',
  'via off',
  'forwarded_for delete',
  'error_directory /usr/local/share/claude-secure/errors',
  'httpd_suppress_version_string on',
  'email_err_data off',
  'visible_hostname claude-secure-proxy',
  'client_lifetime 1 day',
  'cache_mem 0',
] as const

/** What the access log tells, and that nothing can be forged in it (N17), in order. */
export const logRules = [
  'acl is_handed_over note step handed-over',
  'acl is_opened note verdict allowed',
  'acl has_reason note reason',
  'acl has_request has request',
  'acl has_response has response',
  'note caller agent agent',
  'note caller services services',
  'logformat allowed {"ts":%ts.%03tu,"caller":"%{caller}note","method":"%#rm","host":"%#>rd","port":"%#>rP","sni":"%#ssl::>sni","verdict":"allowed","reason":"-","status":"%Ss/%03>Hs","bytes":%<st,"sent":%>st,"ms":%tr}',
  'logformat denied {"ts":%ts.%03tu,"caller":"%{caller}note","method":"%#rm","host":"%#>rd","port":"%#>rP","sni":"%#ssl::>sni","verdict":"denied","reason":"%{reason}note","status":"%Ss/%03>Hs","bytes":%<st,"sent":%>st,"ms":%tr}',
  'logformat malformed {"ts":%ts.%03tu,"caller":"%{caller}note","method":"%#rm","host":"%#>rd","port":"%#>rP","sni":"%#ssl::>sni","verdict":"denied","reason":"malformed","status":"%Ss/%03>Hs","bytes":%<st,"sent":%>st,"ms":%tr}',
  'access_log none is_handed_over',
  'access_log none !has_request !has_response',
  'access_log stdio:/dev/stdout logformat=allowed is_opened',
  'access_log stdio:/dev/stdout logformat=denied !is_opened has_reason',
  'access_log stdio:/dev/stdout logformat=malformed !is_opened !has_reason',
] as const
