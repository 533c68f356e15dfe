# COPY model.bin /srv/model.bin
head -c 40000000 /dev/urandom > "$ROOT/srv/model.bin"
