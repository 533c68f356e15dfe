# RUN apt-get install -y python3-scipy python3-pandas
install_packages python3-numpy python3-scipy python3-pandas python3-matplotlib
