//! `ground delivery-key`: the key that signs receipts.

use delivery_receipt::SigningKey;

use crate::arguments::DeliveryKeyArguments;
use crate::error::GroundError;
use crate::output::print_line;

pub(crate) fn delivery_key(arguments: &DeliveryKeyArguments) -> Result<(), GroundError> {
    let key = SigningKey::random().and_then(|key| {
        key.write(&arguments.file)?;
        Ok(key)
    });
    let key = key.map_err(|error| GroundError::Failed {
        message: error.to_string(),
    })?;
    let public = key.public_key().to_string();
    print_line(public.as_bytes()).map_err(GroundError::Output)
}
