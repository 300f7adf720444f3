/*
 * Loaded into Squid before the C library (LD_PRELOAD). Squid reads a CONNECT target with sscanf and ignores what
 * follows the number: it takes "name:443:443", "name..:443", "[name]:443" and "name:" for "name:443". Here such a
 * target does not match, and Squid refuses the request as malformed. Each other format goes to the C library.
 */
#include <stdarg.h>

/* The C library's own function behind sscanf; the name of a newer one is in Squid's list of symbols. */
int __isoc23_vsscanf(const char *text, const char *format, va_list values);

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static int letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "name:port": parts of letters, digits, '-' and '_', a dot between two of them and perhaps at the end, 1 to 5 digits. */
static int is_plain(const char *target) {
  const char *c = target, *digits;
  do {
    const char *part = c;
    while (letter_or_digit(*c) || *c == '-' || *c == '_') c++;
    if (c == part) return 0;
    if (*c == '.') c++;
  } while (*c != ':' && *c);
  if (*c++ != ':') return 0;
  for (digits = c; *c >= '0' && *c <= '9';) c++;
  return *c == 0 && *digits != '0' && c > digits && c - digits <= 5;
}

int __isoc23_sscanf(const char *text, const char *format, ...) {
  va_list values;
  int found;
  /* The two forms in which Squid looks for a host and a port; no name has brackets. */
  if (same(format, "[%[^]]]:%d")) return 0;
  if (same(format, "%[^:]:%d") && !is_plain(text)) return 0;
  va_start(values, format);
  found = __isoc23_vsscanf(text, format, values);
  va_end(values);
  return found;
}
