# RUN apt-get purge -y git && rm -rf /app/node_modules/moment
apt_get purge -y git
rm -rf "$ROOT/app/node_modules/moment" "$ROOT/usr/local/bin/hey"
# A folder that is made anew hides what the layers below have in it.
rm -rf "$ROOT/app/node_modules/marked"
mkdir "$ROOT/app/node_modules/marked"
echo '{"name": "marked", "version": "4.0.10"}' > "$ROOT/app/node_modules/marked/package.json"
clean
