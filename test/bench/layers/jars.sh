# COPY lib /opt/app/lib
mkdir -p "$ROOT/opt/app/lib"
unpack_packages libspring-core-java libspring-web-java libspring-context-java libspring-beans-java libjackson2-databind-java \
  libjackson2-core-java libjackson2-annotations-java liblog4j2-java libcommons-text-java libcommons-compress-java \
  libcommons-io-java libcommons-lang3-java libcommons-collections3-java libcommons-collections4-java \
  libcommons-fileupload-java libcommons-codec-java libcommons-beanutils-java libhttpclient-java libhttpcore-java \
  libguava-java libgoogle-gson-java libnetty-java libtomcat9-java libjetty9-java libxstream-java libdom4j-java libpostgresql-jdbc-java \
  libmariadb-java libprotobuf-java libyaml-snake-java libslf4j-java liblogback-java libhibernate-validator-java libbcprov-java
find "$UNPACKED/usr/share/java" "$UNPACKED/usr/share/maven-repo" -type f -name '*.jar' -exec cp {} "$ROOT/opt/app/lib/" \;
rm -rf "$UNPACKED"
# A fat jar with jars in it, one of them a fat jar itself.
chroot "$ROOT" python3 - <<'PY'
import glob, zipfile
def pack(name, jars):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: org.springframework.boot.loader.JarLauncher\n")
        z.writestr("META-INF/maven/shop.example/" + name.split("/")[-1][:-4] + "/pom.properties",
                   "groupId=shop.example\nartifactId=" + name.split("/")[-1][:-4] + "\nversion=1.4.2\n")
        for jar in jars:
            z.write(jar, "BOOT-INF/lib/" + jar.split("/")[-1], zipfile.ZIP_STORED)
jars = sorted(glob.glob("/opt/app/lib/*.jar"))
pack("/opt/app/inner.jar", jars[:10])
pack("/opt/app/shop.jar", jars[5:30] + ["/opt/app/inner.jar"])
PY
rm "$ROOT/opt/app/inner.jar"
