#!/usr/bin/env bash
# Builds the container image as an OCI archive: scripts/release/image.sh [folder, default: release]
# Needs Debian (apt-get download), buildah, and the Debian package in that folder (scripts/release/deb.sh).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
output=$(mkdir -p "${1:-$root/release}" && cd "${1:-$root/release}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(cd "$root" && npm pkg get version | tr -d '"')
architecture=$(dpkg --print-architecture)
package=$output/onhand_${version}_${architecture}.deb
[ -f "$package" ] || { echo "image: build $package first, with scripts/release/deb.sh" >&2; exit 1; }

tree=$work/tree
mkdir -p "$tree"/var/lib/dpkg/status.d "$work"/debs
# apt-get downloads as a user of its own.
chmod 0755 "$work" && chown _apt "$work"/debs
# What Node.js is linked with. Scanners of images read status.d.
(cd "$work"/debs && apt-get download -q libc6 libstdc++6 libgcc-s1 gcc-12-base >/dev/null)
for deb in "$work"/debs/*.deb; do
  dpkg-deb --extract "$deb" "$tree"
  dpkg-deb --field "$deb" >"$tree"/var/lib/dpkg/status.d/"$(dpkg-deb --field "$deb" Package)"
done
dpkg-deb --extract "$package" "$work"/onhand
mkdir -p "$tree"/usr/lib
mv "$work"/onhand/usr/lib/onhand "$tree"/usr/lib/onhand
rm -rf "$tree"/usr/share/doc "$tree"/usr/share/lintian "$tree"/usr/share/gdb
install -d -m 0700 -o 65532 -g 65532 "$tree"/var/lib/onhand
install -d -m 1777 "$tree"/tmp
mkdir -p "$tree"/etc
echo 'onhand:x:65532:65532::/var/lib/onhand:/nonexistent' >"$tree"/etc/passwd
echo 'onhand:x:65532:' >"$tree"/etc/group
echo 'hosts: files dns' >"$tree"/etc/nsswitch.conf

mkdir "$work"/context
tar --sort=name --numeric-owner -C "$tree" -cf "$work"/context/rootfs.tar .
cp "$root"/deploy/container/Containerfile "$work"/context/
archive=$output/onhand_${version}_${architecture}.oci.tar
rm -f "$archive"
storage=(--root "$work"/storage --runroot "$work"/run --storage-driver vfs)
buildah "${storage[@]}" build --quiet --isolation chroot --tag "onhand:$version" "$work"/context >/dev/null
buildah "${storage[@]}" push --quiet "onhand:$version" "oci-archive:$archive:onhand:$version"
buildah "${storage[@]}" rmi --all --force >/dev/null
echo "$archive"
