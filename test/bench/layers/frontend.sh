# COPY frontend /srv/frontend
mkdir -p "$ROOT/srv/frontend"
echo '{"name": "frontend", "version": "0.3.0", "private": true, "dependencies": {"react-scripts": "5.0.1", "react": "17.0.2", "react-dom": "17.0.2"}}' \
  > "$ROOT/srv/frontend/package.json"
npm install --prefix "$ROOT/srv/frontend" --ignore-scripts --no-audit --no-fund --no-update-notifier --silent
