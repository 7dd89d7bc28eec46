# The server in a container. Data lie in the volume /data unless the environment names a database and a bucket.
#   docker build --tag crateflow .
#   docker run --publish 127.0.0.1:5000:5000 --volume crateflow:/data crateflow
# Node.js 22: with 24 the embedded database takes 800 MiB for a moment (docs/embedded.md).

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY src ./src
COPY console ./console
COPY scripts ./scripts
COPY migrations ./migrations
# What only the build needs does not go into the image.
RUN npm run build --ignore-scripts && npm ci --omit=dev --ignore-scripts
# The web UI comes out of MLflow's wheel: the command fetches it with pip, and checks it against the hash it knows.
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
RUN node dist/main.js ui install --ui-dir /app/ui

FROM node:22-bookworm-slim
ENV NODE_ENV=production \
    MLFLOW_BACKEND_STORE_URI=pglite:/data/store \
    MLFLOW_ARTIFACTS_DESTINATION=/data/artifacts \
    CRATEFLOW_UI_DIR=/app/ui
WORKDIR /app
COPY package.json LICENSE NOTICE ./
COPY migrations ./migrations
COPY data ./data
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/ui ./ui
# A new volume takes over the owner of this folder.
RUN install --directory --owner=node --group=node /data
VOLUME /data
USER node
EXPOSE 5000
# Answers once the database is migrated; stays healthy while the database is away, for a restart would not help.
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MLFLOW_PORT || 5000}/health`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Other commands take the place of the second line: docker run --env MLFLOW_BACKEND_STORE_URI=… crateflow db migrate
ENTRYPOINT ["node", "dist/main.js"]
CMD ["server", "--host", "0.0.0.0"]
