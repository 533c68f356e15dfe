# What every layer's script can use. ROOT is the image's root, WORK a folder beside it that is kept.
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

in_root() { chroot "$ROOT" "$@"; }
apt_get() { in_root apt-get -q -o Dpkg::Use-Pty=0 "$@"; }

clean() {
  apt_get clean
  rm -rf "$ROOT"/var/lib/apt/lists/* "$ROOT"/tmp/* "$ROOT"/root/.npm
}

install_packages() {
  apt_get update
  apt_get install -y --no-install-recommends "$@"
  clean
}

# unpack_packages leaves the packages' files under UNPACKED, outside of the image, and installs none of them.
unpack_packages() {
  UNPACKED=$WORK/unpacked
  rm -rf "$UNPACKED" "$ROOT/tmp/debs"
  mkdir -p "$ROOT/tmp/debs" "$UNPACKED"
  apt_get update
  in_root sh -c 'cd /tmp/debs && apt-get -q download "$@"' sh "$@"
  for deb in "$ROOT"/tmp/debs/*.deb; do
    in_root dpkg-deb --fsys-tarfile "/tmp/debs/${deb##*/}" | tar -x -C "$UNPACKED"
  done
  clean
}
