# The agent as the first process of a container: builds the one binary, then puts it into an image with the programs that
# people and their tools use in a workspace. The agent reaps orphans and passes signals on; no other init is needed.
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npx -y deno@2.9.6 task compile

FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends bash ca-certificates curl git openssh-client procps \
  && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --shell /bin/bash dev
COPY --from=build /src/dist/outpost /usr/local/bin/outpost
USER dev
WORKDIR /home/dev
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=10s --start-period=10s CMD ["/usr/local/bin/outpost", "status"]
ENTRYPOINT ["/usr/local/bin/outpost"]
CMD ["start"]
