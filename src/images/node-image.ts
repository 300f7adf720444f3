/**
 * Adds one binary to Debian. A separate stage strips its symbol table, 18 MB that nothing here
 * reads, so that the image does not contain binutils.
 */
export const nodeDockerfile = `ARG BASE
FROM \${BASE} AS strip
RUN --mount=type=secret,id=apt-conf,target=/etc/apt/apt.conf.d/99build,mode=0444 \\
    --mount=type=secret,id=ca-certificates,mode=0444 \\
    apt-get update -q && apt-get install -qy --no-install-recommends binutils
COPY --from=node bin/node /node
RUN strip /node && chmod 0755 /node

FROM \${BASE}
COPY --from=strip /node /usr/local/bin/node
RUN node --version
`
