# RUN apt-get install -y gcc g++ make
install_packages gcc g++ make
