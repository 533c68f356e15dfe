# FROM scratch: a Debian root file system as it was released, without its security updates
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$ROOT.made" http://deb.debian.org/debian
rm -rf "$ROOT.made"/var/cache/apt/* "$ROOT.made"/var/lib/apt/lists/* "$ROOT.made"/dev/*
cp -a "$ROOT.made/." "$ROOT/"
rm -rf "$ROOT.made"
