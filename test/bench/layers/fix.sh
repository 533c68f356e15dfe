# COPY node_modules/lodash /app/node_modules/lodash
cd "$WORK"
npm pack --silent lodash@4.17.21
rm -rf "$ROOT/app/node_modules/lodash"
mkdir "$ROOT/app/node_modules/lodash"
tar -xzf lodash-4.17.21.tgz --strip-components=1 -C "$ROOT/app/node_modules/lodash"
