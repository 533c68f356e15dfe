package diagnosis

// format is that of saved diagnoses.
const format = 1
