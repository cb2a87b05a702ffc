# The image of clicktally, of what the package holds: in a checkout run `npm run build` first.
#
#     docker build --tag clicktally .
#
# It listens to everybody, and so needs API keys (docs/security.md): where there is none its first start makes one and prints
# it, once. It runs as a user without rights and writes to /var/lib/clicktally alone (and to /tmp, where compiled modules are
# kept), so that the root file system may be read-only.
FROM node:24-bookworm-slim

WORKDIR /app
COPY package.json ./
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY dist ./dist
COPY LICENSE CHANGELOG.md ./

ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/compiled \
    MALLOC_ARENA_MAX=2 \
    CLICKTALLY_HOST=0.0.0.0 \
    CLICKTALLY_PORT=8080 \
    CLICKTALLY_DATA_DIR=/var/lib/clicktally \
    CLICKTALLY_AUTH_FIRST_KEY=print

# The second one is for keys that several processes share.
RUN mkdir /var/lib/clicktally /var/lib/clicktally-keys && chown node:node /var/lib/clicktally /var/lib/clicktally-keys
USER node
VOLUME /var/lib/clicktally
EXPOSE 8080

# Not /healthz: a restart mends no numbers.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.CLICKTALLY_PORT+'/readyz').then(a=>process.exit(a.ok?0:1),()=>process.exit(1))"]

ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["serve"]
