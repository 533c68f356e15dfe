# RUN apt-get update && apt-get -y upgrade
echo 'deb http://deb.debian.org/debian-security bookworm-security main' > "$ROOT/etc/apt/sources.list.d/security.list"
apt_get update
apt_get -y upgrade
clean
