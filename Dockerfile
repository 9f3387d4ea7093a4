# The server for teams: docs/operating.md, "A server instead of Lambda". The tests build and start it without Docker, by these lines.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --no-audit --no-fund
RUN mkdir -p /package && npm pack --pack-destination /package

FROM node:24.21.0-bookworm-slim AS install
WORKDIR /app
COPY --from=build /package /package
RUN npm install --prefix /app --omit=dev --offline --ignore-scripts --no-audit --no-fund /package/*.tgz

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=install /app ./
# The user `node` of the base image, by number: Kubernetes checks that it is not root.
USER 1000:1000
EXPOSE 8420
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.DUMBWAITER_PORT || 8420) + '/v1/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# A small young generation of the heap: half the memory, at the same speed.
CMD ["node", "--max-semi-space-size=2", "node_modules/dumbwaiter-queue/dist/serve/index.mjs"]
