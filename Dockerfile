# The crawler and its commands, without a MongoDB server. docker-compose.yml shows how it is run.

FROM debian:bookworm-slim AS build
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements.txt requirements-build.txt ./
RUN python3 -m venv /opt/rfispider \
 && /opt/rfispider/bin/pip install --no-cache-dir --no-compile --require-hashes \
    --requirement requirements.txt --requirement requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY rfispider ./rfispider
# What installs is not part of the image; bytecode is, since the file system is read-only when it runs.
RUN /opt/rfispider/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/rfispider/bin/pip uninstall --yes setuptools pip \
 && find /opt/rfispider -type d -name tests -prune -exec rm -rf {} + \
 && python3 -m compileall -q -j 0 /opt/rfispider

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /tmp --no-create-home rfispider
COPY --from=build /opt/rfispider /opt/rfispider
ENV PATH=/opt/rfispider/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MALLOC_ARENA_MAX=2 \
    SCRAPY_SETTINGS_MODULE=rfispider.settings
WORKDIR /tmp
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=10m --retries=3 CMD ["rfispider", "health"]
CMD ["scrapy", "crawl", "rfi"]
