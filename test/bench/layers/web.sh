# RUN apt-get install -y python3 nodejs nginx openssl curl git
install_packages python3 python3-requests python3-jinja2 python3-cryptography nodejs nginx openssl curl git
