# COPY node_modules /app/node_modules
mkdir -p "$ROOT/app"
cat > "$ROOT/app/package.json" <<'JSON'
{"name": "shop", "version": "1.4.2", "private": true, "dependencies": {
  "lodash": "4.17.20", "axios": "0.21.0", "moment": "2.29.1", "express": "4.17.1", "minimist": "1.2.5", "ws": "7.4.5",
  "jsonwebtoken": "8.5.1", "node-fetch": "2.6.0", "sequelize": "6.6.2", "handlebars": "4.7.6", "marked": "2.0.0",
  "socket.io": "4.1.2", "pg": "8.6.0", "mocha": "8.3.2", "ejs": "3.1.6", "@babel/traverse": "7.23.0"}}
JSON
npm install --prefix "$ROOT/app" --ignore-scripts --no-audit --no-fund --no-update-notifier --silent
