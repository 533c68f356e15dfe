# RUN apt-get install -y openjdk-17-jre-headless
install_packages openjdk-17-jre-headless
