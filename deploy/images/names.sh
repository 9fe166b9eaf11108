# The official images that deploy/ stands on; the environment names others, such as a registry of one's own.
# compose.yaml has the same defaults.
PYTHON_IMAGE=${PYTHON_IMAGE:-docker.io/library/python:3.11-slim-bookworm}
POSTGRES_IMAGE=${POSTGRES_IMAGE:-docker.io/library/postgres:18}
KAFKA_IMAGE=${KAFKA_IMAGE:-docker.io/apache/kafka:4.3.1}
NGINX_IMAGE=${NGINX_IMAGE:-docker.io/library/nginx:1.28}
