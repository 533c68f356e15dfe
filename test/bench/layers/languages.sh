# RUN apt-get install -y perl ruby php ffmpeg
install_packages perl ruby ruby-rack ruby-nokogiri php-cli composer ffmpeg
