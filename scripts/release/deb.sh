#!/usr/bin/env bash
# Builds the Debian package of this machine's architecture: scripts/release/deb.sh [folder, default: release]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
output=$(mkdir -p "${1:-$root/release}" && cd "${1:-$root/release}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(cd "$root" && npm pkg get version | tr -d '"')
architecture=$(dpkg --print-architecture)
tree=$work/tree

"$root"/scripts/release/stage.sh "$tree"/usr/lib/onhand
install -D -m 0755 "$root"/deploy/debian/onhand "$tree"/usr/bin/onhand
install -D -m 0640 "$root"/deploy/debian/onhand.toml "$tree"/etc/onhand/onhand.toml
install -D -m 0644 "$root"/deploy/systemd/onhand.service "$tree"/lib/systemd/system/onhand.service
install -D -m 0644 "$root"/deploy/systemd/onhand.socket "$tree"/lib/systemd/system/onhand.socket
install -D -m 0644 "$root"/deploy/systemd/onhand.sysusers "$tree"/usr/lib/sysusers.d/onhand.conf
mkdir -p "$tree"/usr/share/doc/onhand
# The server reads its documentation too.
ln -s ../../../lib/onhand/docs "$tree"/usr/share/doc/onhand/docs
mv "$tree"/usr/lib/onhand/CHANGELOG.md "$tree"/usr/lib/onhand/README.md "$tree"/usr/share/doc/onhand/
install -m 0644 "$root"/LICENSE "$tree"/usr/share/doc/onhand/copyright

mkdir "$tree"/DEBIAN
for script in postinst prerm postrm; do install -m 0755 "$root"/deploy/debian/$script "$tree"/DEBIAN/$script; done
echo /etc/onhand/onhand.toml >"$tree"/DEBIAN/conffiles
cat >"$tree"/DEBIAN/control <<CONTROL
Package: onhand
Version: $version
Architecture: $architecture
Maintainer: onhand developers <onhand@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f 1)
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), systemd, util-linux
Suggests: postgresql, nginx
Description: inventory server for stock levels in bulk
 Suppliers send stock levels of thousands of SKUs in one request; onhand applies
 them and returns a durable result for each line. Retailers follow the changes.
CONTROL

package=$output/onhand_${version}_${architecture}.deb
dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" >/dev/null
echo "$package"
