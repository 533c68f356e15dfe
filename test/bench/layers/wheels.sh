# COPY --from=build /venv /opt/venv
site=$ROOT/opt/venv/lib/python3.11/site-packages
mkdir -p "$site"
unpack_packages python3-django python3-yaml python3-urllib3 python3-flask python3-werkzeug python3-sqlalchemy python3-lxml \
  python3-pil python3-aiohttp python3-tornado python3-paramiko python3-redis python3-idna python3-certifi
cp -a "$UNPACKED"/usr/lib/python3/dist-packages/. "$site/"
rm -rf "$UNPACKED"
